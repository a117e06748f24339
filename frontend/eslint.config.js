import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

// The rooms: what may import what. internal/archtest holds the same table with the reasons.
const never = (files, ...patterns) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: patterns.map((group) => ({ group: [group] })) }] },
})

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/bridge/wailsjs'] },
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: globals.browser } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  never(['src/model/**/*.ts'], 'svelte', 'svelte/*', '**/ui/**', '**/bridge/**', '**/snapshot/**', '**/wailsjs/**'),
  never(['src/snapshot/**/*.ts'], 'svelte', 'svelte/*', '**/ui/**', '**/bridge/**', '**/wailsjs/**'),
  never(['src/holds/**/*.ts'], 'svelte', 'svelte/*', '**/ui/**', '**/bridge/**', '**/wailsjs/**'),
  never(['src/ui/**'], '**/wailsjs/**'),
)
