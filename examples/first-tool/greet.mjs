export default {
  name: 'greet',
  description: 'Greet someone by name',
  readOnly: true,
  input: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false },
  run: ({ name }) => `Hello, ${name}!`,
};
