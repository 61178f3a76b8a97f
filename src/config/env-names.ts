import { printable } from '../common/index.js';
import { nearest } from './nearest.js';
import { OLD_NAMES } from './old-names.js';
import { SETTINGS } from './schema.js';
import { OVERRIDE_SETTINGS, overrideKeyOfEnv } from './tool-overrides.js';

const OURS = /^(MCP|TOOL)_/;
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

const BY_ENV = new Map(SETTINGS.map((setting) => [setting.env, setting]));
const KNOWN = new Set([
  ...SETTINGS.flatMap(({ env, aliases, secret }) => [env, ...(aliases ?? []), ...(secret ? [`${env}_FILE`] : [])]),
  ...OVERRIDE_SETTINGS.map(({ env }) => env),
]);

/** Whether Kubernetes made a variable for a service: nobody meant it as a setting (D-22). */
export function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || /^(tcp|udp|sctp):\/\//.test(value);
}

/**
 * What to say about the variables that nothing reads (D-22): old names, and names that look like settings.
 * @param variables without empty ones; values are never shown
 */
export function strangeNames(variables: ReadonlyMap<string, string>): readonly string[] {
  const links: string[] = [];
  const warnings: string[] = [];
  for (const [name, value] of variables) {
    const unread = OURS.test(name) && !KNOWN.has(name) && overrideKeyOfEnv(name) === undefined;
    if (isServiceLink(name, value)) {
      if (OURS.test(name)) links.push(printable(name));
    } else if (OLD_NAMES.has(name)) warnings.push(oldName(name));
    else if (unread) warnings.push(unknownName(name));
  }
  return links.length === 0 ? warnings : [serviceLinks(links), ...warnings];
}

function oldName(old: string): string {
  const name = OLD_NAMES.get(old);
  if (name == null) return `config.deprecated old=${old} new=none: it is not read, and nothing took its place`;
  const setting = BY_ENV.get(name);
  if (!setting) return `config.deprecated old=${old} new=${name}: it is not read, and this version has no ${name} yet`;
  const unit = setting.kind === 'int' && setting.unit ? ` (unit: ${setting.unit})` : '';
  return `config.deprecated old=${old} new=${name}: it is not read, set ${name}${unit}`;
}

function unknownName(name: string): string {
  const help = `no setting of this version has this name; the nearest is ${nearest(name, KNOWN)}`;
  return `config.unknown name=${printable(name)}: ${help}`;
}

function serviceLinks(names: readonly string[]): string {
  const why = 'Kubernetes set them for a service; enableServiceLinks: false in the pod keeps them out';
  return `config.service_links_ignored names=${names.join(',')}: ${why}`;
}
