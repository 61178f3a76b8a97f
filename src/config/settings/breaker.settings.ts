import { Int } from '../setting.decorators.js';

/** When a tool that keeps failing rests. */
export class BreakerSettings {
  @Int({
    env: 'MCP_CIRCUIT_BREAKER_FAILURE_THRESHOLD',
    default: 5,
    min: 1,
    max: 100,
    doc: 'Failures in a row that open the breaker of a tool.',
  })
  readonly failureThreshold!: number;

  @Int({
    env: 'MCP_CIRCUIT_BREAKER_RECOVERY_TIMEOUT',
    default: 60,
    min: 1,
    max: 600,
    unit: 's',
    doc: 'Rest before one call may try again.',
  })
  readonly recoverySec!: number;

  @Int({
    env: 'MCP_CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD',
    default: 1,
    min: 1,
    max: 10,
    doc: 'Trial calls that must succeed in a row, one at a time, to close a breaker.',
  })
  readonly halfOpenSuccesses!: number;
}
