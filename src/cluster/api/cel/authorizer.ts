// Values of the authorizer library: questions under way. Apart from the library itself, so that who makes them needs no engine.

export interface AuthorizerQuestion {
  readonly user?: { readonly namespace: string; readonly name: string };
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly verb: string;
}

/** Null: not allowed; else why. */
export type Authorize = (question: AuthorizerQuestion) => string | null;

/** Value of the variable `authorizer`. */
export class CelAuthorizer {
  readonly authorize: Authorize;
  readonly question: AuthorizerQuestion;

  constructor(authorize: Authorize, question: Partial<AuthorizerQuestion> = {}) {
    this.authorize = authorize;
    this.question = { group: '', resource: '', subresource: '', namespace: '', name: '', verb: '', ...question };
  }
}

/** Value of `authorizer.requestResource`, too. */
export class ResourceCheck extends CelAuthorizer {}

export const AUTHORIZER = 'kubernetes.authorization.Authorizer';
export const RESOURCE_CHECK = 'kubernetes.authorization.ResourceCheck';
