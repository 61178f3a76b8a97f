import { Bool, Enum, Path } from '../setting.decorators.js';

export const CLIENT_AUTH = ['none', 'request', 'require'] as const;
export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** How connections are encrypted, and what clients prove by certificate. */
export class TlsSettings {
  @Bool({
    env: 'MCP_TLS_ENABLED',
    flag: 'tls',
    default: false,
    doc: 'Encrypt every listener; on by itself where one of the paths below is given.',
  })
  readonly enabled!: boolean;

  @Path({
    env: 'MCP_TLS_CERT',
    flag: 'ssl-cert',
    default: './certs/server.crt',
    doc: 'Certificate, PEM, with the chain below it where there is one.',
  })
  readonly cert!: string;

  @Path({
    env: 'MCP_TLS_KEY',
    flag: 'ssl-key',
    default: './certs/server.key',
    doc: 'Private key of the certificate, PEM, without a passphrase.',
  })
  readonly key!: string;

  @Path({
    env: 'MCP_TLS_CLIENT_CA',
    flag: 'ssl-client-ca',
    doc: 'Certificates of the authorities, PEM, that client certificates must come from.',
  })
  readonly clientCa?: string;

  @Enum({
    env: 'MCP_TLS_CLIENT_AUTH',
    default: 'none',
    values: CLIENT_AUTH,
    doc: 'Whether clients are asked for a certificate, and whether they are let in without; require where only a client CA is given.',
  })
  readonly clientAuth!: (typeof CLIENT_AUTH)[number];

  @Enum({
    env: 'MCP_TLS_MIN_VERSION',
    default: 'TLSv1.2',
    values: TLS_VERSIONS,
    synonyms: { '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' },
    doc: 'Oldest version of TLS that is spoken.',
  })
  readonly minVersion!: (typeof TLS_VERSIONS)[number];
}
