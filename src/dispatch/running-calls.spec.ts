import { describe, expect, it } from '@jest/globals';
import type { GatehouseError } from '../common/index.js';
import { ConnectionCalls } from './running-calls.js';

class Call {
  readonly causes: string[] = [];

  abort({ message }: GatehouseError): void {
    this.causes.push(message);
  }
}

describe('ConnectionCalls', () => {
  it('W-19 ends one call, or all', () => {
    const [calls, one, two] = [new ConnectionCalls(), new Call(), new Call()];
    calls.begin(1, one);
    calls.begin('1', two);
    expect([calls.cancel('1', 'enough'), calls.cancel(2, 'enough'), one.causes, two.causes]).toEqual([
      true,
      false,
      [],
      ['Cancelled: enough'],
    ]);
    calls.cancelAll('the client left');
    expect([one.causes, calls.runningCount]).toEqual([['Cancelled: the client left'], 2]);
    calls.finish(1);
    calls.finish('1');
    expect(calls.runningCount).toBe(0);
  });

  it('takes no id twice while it runs', () => {
    const calls = new ConnectionCalls();
    calls.begin(1, new Call());
    expect(() => calls.begin(1, new Call())).toThrow('A request with id 1 is still running');
  });

  it('D-3 begins nothing for a client that has left', () => {
    const calls = new ConnectionCalls();
    calls.cancelAll('the client closed the stream');
    expect(() => calls.begin(1, new Call())).toThrow('Cancelled: the client closed the stream');
    expect(calls.runningCount).toBe(0);
  });
});
