import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { ClientAddresses } from '../../limits/index.js';
import type { Credentials } from '../authenticator.js';
import { certificateOf } from '../certificate-of.js';

/** What an HTTP request shows, whatever it is for: one reading for the MCP endpoints, upgrades and REST. */
@Injectable()
export class RequestCredentials {
  constructor(private readonly addresses: ClientAddresses) {}

  of(req: Pick<IncomingMessage, 'headers' | 'socket'>, door: string): Credentials {
    return {
      authorization: req.headers.authorization,
      certificate: certificateOf(req.socket),
      address: this.addresses.of(req),
      door,
    };
  }
}
