import { connect } from 'node:net';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { isProgramInstalled } from '../../tools/index.js';
import { type HealthFinding, type HealthIndicator } from '../health-indicators.js';

const SERVER_FAULT = 500;
const HEALTHY: HealthFinding = { status: 'healthy' };

/** What the operator says that the tools cannot do without (`MCP_HEALTH_DEPENDENCIES`). */
@Injectable()
export class DependencyIndicators {
  constructor(private readonly config: AppConfig) {}

  list(): readonly HealthIndicator[] {
    return this.config.health.dependencies.map((dependency) => ({
      name: `dependency_${dependency}`,
      priority: 'CRITICAL',
      check: (signal) => checkOf(dependency)(signal),
    }));
  }
}

function checkOf(dependency: string): (signal: AbortSignal) => Promise<HealthFinding> {
  if (/^https?:\/\//.test(dependency)) return (signal) => answers(dependency, signal);
  if (dependency.includes(':')) return (signal) => accepts(new URL(`tcp://${dependency}`), signal);
  return () => isInstalled(dependency);
}

async function answers(url: string, signal: AbortSignal): Promise<HealthFinding> {
  const response = await fetch(url, { signal, redirect: 'manual' });
  await response.body?.cancel();
  const { status } = response;
  if (status < SERVER_FAULT) return { status: 'healthy', details: { http_status: status } };
  return { status: 'unhealthy', message: `It answers ${status}`, details: { http_status: status } };
}

function accepts({ hostname, port }: URL, signal: AbortSignal): Promise<HealthFinding> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), signal });
    socket.once('connect', () => {
      resolve(HEALTHY);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

async function isInstalled(program: string): Promise<HealthFinding> {
  return (await isProgramInstalled(program)) ? HEALTHY : { status: 'unhealthy', message: 'It is not installed' };
}
