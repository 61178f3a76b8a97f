import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { AddressList } from './address-key.js';

const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/;

/** Where a request comes from: for every door, the one reading of addresses (W-13). */
@Injectable()
export class ClientAddresses {
  private readonly proxies: AddressList | undefined;

  constructor({ server: { trustedProxies } }: AppConfig) {
    this.proxies = trustedProxies.length > 0 ? new AddressList(trustedProxies) : undefined;
  }

  /**
   * The address of the client. What a proxy says counts only where the proxy is trusted: X-Forwarded-For is read from
   * the right, as each proxy appends whom it was called by, up to the first address that is no trusted proxy.
   * @returns undefined where the socket is gone already
   */
  of(req: Pick<IncomingMessage, 'headers' | 'socket'>): string | undefined {
    const peer = req.socket.remoteAddress;
    if (!this.isProxy(peer)) return peer;
    return this.behind(peer, req.headers['x-forwarded-for'] as string | undefined);
  }

  /** Whether what a socket carries is from many clients. */
  isProxy(peer: string | undefined): boolean {
    return this.proxies?.has(peer) === true;
  }

  private behind(peer: string | undefined, forwarded: string | undefined): string | undefined {
    let nearest = peer;
    for (const entry of (forwarded ?? '').split(',').reverse()) {
      const address = bare(entry.trim());
      // What no trusted proxy would have written, and all that is left of it, nobody vouches for.
      if (address === undefined) return nearest;
      nearest = address;
      if (!this.isProxy(address)) return nearest;
    }
    return nearest;
  }
}

/** @returns the address without a port; undefined where it is none */
function bare(entry: string): string | undefined {
  const [, bracketed, dotted] = WITH_PORT.exec(entry) ?? [];
  const address = bracketed ?? dotted ?? entry;
  return isIP(address) === 0 ? undefined : address;
}
