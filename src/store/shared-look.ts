/**
 * Reads what processes share, one look after the other: an old one that comes late must not undo what a newer one saw.
 * Whoever asks while one is under way gets the next, which sees what they know of.
 */
export class SharedLook {
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  /** @param look reads, and takes over what it read */
  constructor(private readonly look: () => Promise<void>) {}

  /** @throws Error of the look */
  again(): Promise<void> {
    if (!this.running) {
      this.running = this.look().finally(() => (this.running = undefined));
      return this.running;
    }
    return (this.next ??= this.after(this.running));
  }

  private async after(running: Promise<void>): Promise<void> {
    // Whoever asked for that one hears of its failure.
    await running.catch(() => undefined);
    this.next = undefined;
    return this.again();
  }
}
