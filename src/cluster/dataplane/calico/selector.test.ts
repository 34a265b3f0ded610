import { expect, it } from 'vitest';
import { parseSelector, SelectorError, withPrefix } from './selector.ts';

const labels = new Map([['app', 'web'], ['tier', 'front'], ['kubernetes.io/name', 'x']]);

/** Selector, its canonical form, whether it fits the labels. */
const TABLE: readonly (readonly [string, string, boolean])[] = [
  ["app == 'web'", 'app == "web"', true],
  ["app != 'web'", 'app != "web"', false],
  ["none != 'web'", 'none != "web"', true],
  ["has(tier) && app == 'web'", '(has(tier) && app == "web")', true],
  ["!has(tier) || app == 'web'", '(!has(tier) || app == "web")', true],
  ["! has(tier)", '!has(tier)', false],
  ["app in { 'db', 'web' }", 'app in {"db", "web"}', true],
  ["app not in { 'db', 'web' }", 'app not in {"db", "web"}', false],
  ["none not in { 'db' }", 'none not in {"db"}', true],
  ["(app == 'web' && tier == 'back') || kubernetes.io/name starts with 'x'", '((app == "web" && tier == "back") || kubernetes.io/name starts with "x")', true],
  ["app contains 'eb'", 'app contains "eb"', true],
  ["app ends with 'wo'", 'app ends with "wo"', false],
  ['all()', 'all()', true],
  ['', 'all()', true],
];

it('reads, writes and answers', () => {
  for (const [text, canonical, fits] of TABLE) {
    const selector = parseSelector(text);
    expect([selector.text, selector.matches(labels)]).toEqual([canonical, fits]);
  }
  for (const bad of ["app = 'web'", "app == web", "(app == 'web'", 'nothing(app)']) expect(() => parseSelector(bad)).toThrow(SelectorError);
});

it('asks the same of labels with a prefix', () => {
  expect(withPrefix("a == 'b == c' && !has(x/y) && z not in { 'in' }", 'pcns.')).toBe("pcns.a == 'b == c' && !has(pcns.x/y) && pcns.z not in { 'in' }");
});
