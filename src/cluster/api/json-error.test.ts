import { expect, test } from 'vitest';
import { jsonError } from './json-error.ts';

// As printed by Go's json.Unmarshal.
test.each([
  ['{"a":[1,-2.5e3,true,null,"\\u00e9"]} ', null],
  ['', 'unexpected end of JSON input'],
  ['{', 'unexpected end of JSON input'],
  ['{"a":', 'unexpected end of JSON input'],
  ['apiVersion: v1', "invalid character 'a' looking for beginning of value"],
  ['{a: 1}', "invalid character 'a' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['tru', 'unexpected end of JSON input'],
  ['trux', "invalid character 'x' in literal true (expecting 'e')"],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
  ['-x', "invalid character 'x' in numeric literal"],
])('%s', (text, words) => expect(jsonError(text)).toBe(words));
