import { describe, expect, it } from '@jest/globals';
import { AppConfig } from '../config/index.js';
import { AnonymousAuthenticator } from './authenticator.js';

describe('AnonymousAuthenticator', () => {
  it('D-11 takes every caller for one, unproven, with the role of an operator', () => {
    const authenticator = new AnonymousAuthenticator(AppConfig.of());
    expect(authenticator.isRequired).toBe(false);
    expect(authenticator.authenticate()).toEqual({
      issuer: 'gatehouse',
      subject: 'anonymous',
      roles: ['operator'],
      isAuthenticated: false,
    });
    expect(authenticator.authenticate()).toBe(authenticator.authenticate());
  });

  it('D-11 stdio is a principal of its own', () => {
    const authenticator = new AnonymousAuthenticator(AppConfig.of({ server: { stdioRole: 'admin' } }));
    expect(authenticator.local()).toMatchObject({ subject: 'local', roles: ['admin'], isAuthenticated: false });
    expect(authenticator.authenticate().roles).toEqual(['operator']);
  });

  it('takes the role of the settings', () => {
    const authenticator = new AnonymousAuthenticator(AppConfig.of({ server: { anonymousRole: 'viewer' } }));
    expect(authenticator.authenticate().roles).toEqual(['viewer']);
    expect(authenticator.local().roles).toEqual(['operator']);
  });

  it('gives out what nobody can change', () => {
    const principal = new AnonymousAuthenticator(AppConfig.of()).authenticate();
    expect([Object.isFrozen(principal), Object.isFrozen(principal.roles)]).toEqual([true, true]);
  });
});
