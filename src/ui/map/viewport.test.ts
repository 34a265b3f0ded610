import { expect, test } from 'vitest';
import { fitted, zoomAround } from './viewport.ts';

const VIEW = { x: 10, y: 20, zoom: 1, width: 800, height: 600 };
const LIMITS = { min: 0.4, max: 5 };

test('magnifying keeps the point under the pointer where it is', () => {
  const view = zoomAround(VIEW, 2, { x: 110, y: 220 });
  expect(view).toMatchObject({ x: -90, y: -180, zoom: 2 });
  expect(zoomAround(view, 1, { x: 110, y: 220 })).toEqual(VIEW);
});

test('fitting puts a part of the map in the middle, as large as the limits allow', () => {
  expect(fitted(VIEW, { x: 100, y: 100, w: 400, h: 400 }, 0, LIMITS)).toMatchObject({ zoom: 1.5, x: -50, y: -150 });
  expect(fitted(VIEW, { x: 0, y: 0, w: 10, h: 10 }, 0, LIMITS)).toMatchObject({ zoom: 5, x: 375, y: 275 });
});
