// What a kind made by a CustomResourceDefinition knows and does by itself, where built-in kinds have tables:
// the API server's custom resource handler, split along the doors that decode, default, validate, print and convert.

import type { Decoded, FieldValidation } from './decode.ts';
import type { CustomResourceDefinition, JSONSchemaProps } from './generated/types.ts';
import type { ApiObject } from './meta.ts';
import type { FieldError } from './status.ts';
import type { Printer } from './table/printer.ts';

/** Where a custom resource keeps what `scale` shows: JSON paths below the object such as `.spec.replicas`. */
export interface CustomScale {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath: string;
}

export interface CustomKind {
  readonly definition: CustomResourceDefinition;
  /** The version's openAPIV3Schema, for OpenAPI and explain; null when it has none. */
  readonly schema: JSONSchemaProps | null;
  /** `CronTabList`. */
  readonly listKind: string;
  /** apiVersion in which objects are stored. */
  readonly storedApiVersion: string;
  /** Whether /status is a door of its own. */
  readonly hasStatus: boolean;
  readonly scale: CustomScale | null;
  /** What clients of this version are warned of; '' when it is not deprecated. */
  readonly deprecation: string;
  readonly printer: Printer<ApiObject>;
  /** A client's body: unknown fields dropped and told, defaults filled in. Frozen. @throws ApiError 400 */
  decode(body: unknown, mode: FieldValidation, old: ApiObject | null): Decoded<ApiObject>;
  /** A stored object in this version, as clients read it: converted, pruned, with defaults. Frozen; remembered. */
  present(object: ApiObject): ApiObject;
  /** An object of this version as it is stored. */
  toStored(object: ApiObject): ApiObject;
  prepareForCreate(object: ApiObject): ApiObject;
  prepareForUpdate(object: ApiObject, old: ApiObject): ApiObject;
  prepareForStatusUpdate(object: ApiObject, old: ApiObject): ApiObject;
  validateCreate(object: ApiObject): readonly FieldError[];
  validateUpdate(object: ApiObject, old: ApiObject, subresource: string): readonly FieldError[];
  /** The value of a selectable field; undefined when the kind does not offer it. */
  field(object: ApiObject, path: string): string | undefined;
  offersField(path: string): boolean;
}
