// Preloaded into a replica: its wall clock is wrong by SKEW_MS. Monotonic time is as it is, as that of a machine would be.
const skewMs = Number(process.env.SKEW_MS);
const RealDate = Date;

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + skewMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + skewMs;
  }
};
