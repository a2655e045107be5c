/** Where two JSON values differ. */
import { digest, type Json } from "./json.ts";

/** One place that differs; a side is absent where that value has no such place. */
export interface Difference {
  path: (string | number)[];
  a?: Json;
  b?: Json;
}

/**
 * The deepest places that differ, sorted by key. Lists of maps of one length are compared item by item; any other list is one value, as a
 * person thinks of it.
 */
export function differences(a: Json, b: Json, path: Difference["path"] = []): Difference[] {
  if (isMap(a) && isMap(b)) {
    return keysOf(a, b).flatMap((key) => {
      const [old, next] = [own(a, key), own(b, key)];
      if (old !== undefined && next !== undefined) return differences(old, next, [...path, key]);
      return [
        { path: [...path, key], ...(old === undefined ? {} : { a: old }), ...(next === undefined ? {} : { b: next }) },
      ];
    });
  }
  if (isRows(a) && isRows(b) && a.length === b.length)
    return a.flatMap((item, at) => differences(item, b[at] ?? null, [...path, at]));
  return digest(a) === digest(b) ? [] : [{ path, a, b }];
}

/** Keys of either, sorted. */
export function keysOf(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted();
}

/** A name such as `constructor` is no key unless somebody wrote it. */
function own(map: { [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function isMap(value: Json): value is { [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isRows(value: Json): value is Json[] {
  return Array.isArray(value) && value.every(isMap);
}
