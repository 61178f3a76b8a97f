const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;

/**
 * Whether a JSON text holds more keys and items than allowed, told without building them: parsed, an empty object takes
 * twenty times the bytes of its text. Looks only at texts that are long enough to.
 * @param text JSON; of anything else the answer means nothing
 * @param maxNodes object keys and array items in all, >= 1
 * @returns true only if there are more; a text with up to twice as many may pass
 */
export function surelyHoldsMoreThan(text: string, maxNodes: number): boolean {
  // A key or item has a comma before it at most, and opens one object or array at most; the outermost opens one more.
  const maxMarks = 2 * maxNodes + 1;
  if (text.length <= maxMarks) return false;
  let marks = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at);
    else if ((char === COMMA || char === OPEN_BRACKET || char === OPEN_BRACE) && ++marks > maxMarks) return true;
  }
  return false;
}

/** @returns the index of the quote that ends the string which begins at `from`; the text's end where none does */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}
