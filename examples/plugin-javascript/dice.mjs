// A tool as a bare object: it imports nothing of Gatehouse, so the file may lie anywhere.
import { randomInt } from 'node:crypto';

export default {
  name: 'roll_dice',
  description: 'Roll dice with six sides and add them up',
  input: {
    type: 'object',
    properties: { count: { type: 'integer', minimum: 1, maximum: 100 } },
    required: ['count'],
    additionalProperties: false,
  },
  run: ({ count }) => {
    const rolls = Array.from({ length: count }, () => randomInt(1, 7));
    return `${rolls.join(' + ')} = ${rolls.reduce((sum, roll) => sum + roll)}`;
  },
};
