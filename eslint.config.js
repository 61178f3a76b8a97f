import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const noExportAll = { selector: 'ExportAllDeclaration', message: 'Name what a face exports: no `export *`.' };
const noStringThrow = { selector: 'ThrowStatement > Literal', message: 'Throw an Error, with its cause.' };
const few = (selector, max, what) => ({
  selector: `${selector}[params.length>${max}]`,
  message: `${what} takes ${max} parameters at most: pass an object.`,
});
const fewParameters = [
  few('FunctionDeclaration', 4, 'A function'),
  few('ArrowFunctionExpression', 4, 'A function'),
  few('MethodDefinition[kind!="constructor"] > FunctionExpression', 4, 'A method'),
  few('MethodDefinition[kind="constructor"] > FunctionExpression', 6, 'A constructor'),
];

export default tseslint.config(
  { ignores: ['dist', 'dist-fixtures', 'coverage', 'node_modules', '.tools'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', noExportAll, noStringThrow, ...fewParameters],
      'max-lines': ['error', { max: 320, skipBlankLines: true, skipComments: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', 'src/**/*.spec.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config reads the environment.' },
      ],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'error' },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        performance: 'readonly',
        module: 'writable',
        AbortController: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
);
