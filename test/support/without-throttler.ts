import { jest } from '@jest/globals';

/**
 * Stands in for `@nestjs/throttler`: it is CommonJS that requires Nest, which is ESM. Node can do that, jest cannot. E2e
 * tests have the real one.
 */
export function withoutThrottler(): void {
  class ThrottlerGuard {
    onModuleInit(): void {}

    canActivate(): boolean {
      return true;
    }
  }
  jest.unstable_mockModule('@nestjs/throttler', () => ({ ThrottlerGuard }));
}
