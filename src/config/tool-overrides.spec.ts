import { describe, expect, it } from '@jest/globals';
import { overrideKeyOfEnv, overrideKeyOfFile, toolOverrideKey } from './tool-overrides.js';

describe('tool overrides', () => {
  it.each([
    ['nmap_scan', 'NMAP_SCAN'],
    ['net.ping-6', 'NET_PING_6'],
    ['Echo', 'ECHO'],
  ])('writes the tool %s as %s', (name, key) => {
    expect(toolOverrideKey(name)).toBe(key);
  });

  it.each([
    ['TOOL_NMAP_SCAN_TIMEOUT', 'toolOverrides.NMAP_SCAN.timeoutSec'],
    ['TOOL_ECHO_CONCURRENCY', 'toolOverrides.ECHO.concurrency'],
    ['TOOL_A_RATE_RATE', 'toolOverrides.A_RATE.runsPerMinute'],
    ['TOOL_NMAP_TOTAL_RATE', 'toolOverrides.NMAP.totalRunsPerMinute'],
    ['TOOL_NMAP_PER_CALLER', 'toolOverrides.NMAP.perCaller'],
    ['TOOL_NMAP_BREAKER_RECOVERY', 'toolOverrides.NMAP.breakerRecoverySec'],
  ])('reads the variable %s as %s', (env, key) => {
    expect(overrideKeyOfEnv(env)).toBe(key);
  });

  it.each(['TOOL_INCLUDE', 'TOOL__TIMEOUT', 'TOOL_echo_TIMEOUT', 'TOOL_ECHO_SPEED', 'XTOOL_ECHO_RATE'])(
    'does not take %s for an override',
    (env) => {
      expect(overrideKeyOfEnv(env)).toBeUndefined();
    },
  );

  it('reads a tool name with dots in a settings file', () => {
    expect(overrideKeyOfFile('toolOverrides.net.ping.timeoutSec')).toBe('toolOverrides.NET_PING.timeoutSec');
    expect(overrideKeyOfFile('toolOverrides.echo.speed')).toBeUndefined();
    expect(overrideKeyOfFile('toolOverrides.timeoutSec')).toBeUndefined();
    expect(overrideKeyOfFile('tools.echo.timeoutSec')).toBeUndefined();
  });
});
