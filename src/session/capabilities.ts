import { isJsonObject, type JsonObject } from '../common/index.js';

const SAMPLING = 1;
const SAMPLING_TOOLS = 2;
const ELICITATION_FORM = 4;
const ELICITATION_URL = 8;
const ROOTS = 16;
const ROOTS_LIST_CHANGED = 32;
const ALL = 63;

/**
 * What a client can do for us: the capabilities that the server acts on, as a set of bits that fits into a session id.
 * There is one instance per set, shared by all sessions that have it.
 * @see MCP 2025-11-25, basic/lifecycle, "Capability Negotiation"
 */
export class ClientCapabilities {
  private static readonly instances: (ClientCapabilities | undefined)[] = [];

  private constructor(
    /** 0 to 65,535; bits of a later version are dropped. */
    readonly bits: number,
  ) {}

  static of(bits: number): ClientCapabilities {
    const known = bits & ALL;
    return (ClientCapabilities.instances[known] ??= new ClientCapabilities(known));
  }

  /** @param capabilities `params.capabilities` of initialize; whatever is not an object counts as not declared */
  static read(capabilities: JsonObject): ClientCapabilities {
    const { sampling, elicitation, roots } = capabilities;
    let bits = 0;
    if (isJsonObject(sampling)) bits |= SAMPLING | (isJsonObject(sampling['tools']) ? SAMPLING_TOOLS : 0);
    if (isJsonObject(elicitation)) bits |= elicitationBits(elicitation);
    if (isJsonObject(roots)) bits |= ROOTS | (roots['listChanged'] === true ? ROOTS_LIST_CHANGED : 0);
    return ClientCapabilities.of(bits);
  }

  get sampling(): boolean {
    return this.has(SAMPLING);
  }

  /** Whether a sampling request may carry tools. */
  get samplingTools(): boolean {
    return this.has(SAMPLING_TOOLS);
  }

  get elicitationForm(): boolean {
    return this.has(ELICITATION_FORM);
  }

  get elicitationUrl(): boolean {
    return this.has(ELICITATION_URL);
  }

  get roots(): boolean {
    return this.has(ROOTS);
  }

  /** Whether the client tells when its roots change. */
  get rootsListChanged(): boolean {
    return this.has(ROOTS_LIST_CHANGED);
  }

  private has(bit: number): boolean {
    return (this.bits & bit) !== 0;
  }
}

// An empty object is the form mode: revisions before 2025-11-25 knew no other.
function elicitationBits(elicitation: JsonObject): number {
  const hasUrl = isJsonObject(elicitation['url']);
  const hasForm = isJsonObject(elicitation['form']) || !hasUrl;
  return (hasForm ? ELICITATION_FORM : 0) | (hasUrl ? ELICITATION_URL : 0);
}
