/** Shows all figures as one text. */
export abstract class MetricsExport {
  abstract readonly contentType: string;

  /** @returns every figure as it is now */
  abstract text(): Promise<string>;
}
