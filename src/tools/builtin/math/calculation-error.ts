import { printable, ToolError } from '../../../common/index.js';

/** A fault of a calculation, in words for a model. @param what may hold text of the caller */
export function calculationError(what: string): ToolError {
  return new ToolError(`Error calculating: ${printable(what)}`);
}
