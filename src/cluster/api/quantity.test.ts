import { describe, expect, test } from 'vitest';
import { addQuantity, canonicalQuantity, compareQuantity, formatQuantity, parseQuantity } from './quantity.ts';

describe('quantity (cases from apimachinery/pkg/api/resource/quantity_test.go)', () => {
  test.each([
    ['0', '0'],
    ['1000m', '1'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1.', '1'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1.2Gi', '1288490188800m'],
    ['0.5Ki', '512'],
    ['1000Ki', '1000Ki'],
    ['1e3', '1e3'],
    ['9E', '9E'],
    ['1E3', '1e3'],
    ['1000000', '1M'],
    ['100k', '100k'],
    ['+7', '7'],
    ['-100m', '-100m'],
    ['1n', '1n'],
    ['0.1n', '1n'],
    ['9223372036854775808', '9223372036854775807'],
    ['2048Ki', '2Mi'],
    ['100000000Ei', '9223372036854775807'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  test.each(['', '1X', '512MB', 'abc', '1.1.1', '1 Gi', '--1', '1mm', '1ki', '1e', 'i', '+', '.'])('%j is no quantity', (text) => {
    expect(() => parseQuantity(text)).toThrow(/quantit|suffix/);
  });

  test('milli and value round up', () => {
    expect(parseQuantity('1n').milli).toBe(1);
    expect(parseQuantity('1m').value).toBe(1);
    expect(parseQuantity('1536Mi').value).toBe(1610612736);
  });

  test('arithmetic', () => {
    expect(addQuantity('500m', '1')).toBe('1500m');
    expect(addQuantity('0', '1Gi')).toBe('1Gi');
    expect(compareQuantity('1', '1000m')).toBe(0);
    expect(formatQuantity(2 ** 30, 'BinarySI')).toBe('1Gi');
  });
});
