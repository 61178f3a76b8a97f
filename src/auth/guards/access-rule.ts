import type { Permission } from '../roles/permission.js';

/** What the decorators of a method or a class say of who may use it. All that is said must hold. */
export interface AccessRule {
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
  readonly isPublic?: boolean;
  /** For whoever calls, with whichever role: a credential is needed where any is. */
  readonly isForAnyCaller?: boolean;
  readonly permission?: Permission;
}

/** Metadata key on a method or class; registered globally, so that a plug-in's own copy of this package writes the same. */
export const ACCESS = Symbol.for('mcp-gatehouse.access');

/**
 * What a method and its class say together: each rule of the class holds unless the method has one of its kind. What
 * opens to everyone never mixes with others: the method decides between them.
 * @returns undefined where neither says anything
 */
export function accessRuleOf(method: object, type: object): AccessRule | undefined {
  const ofMethod = Reflect.getMetadata(ACCESS, method) as AccessRule | undefined;
  const ofClass = Reflect.getMetadata(ACCESS, type) as AccessRule | undefined;
  if (!ofMethod || !ofClass || isOpen(ofMethod) || isOpen(ofClass)) return ofMethod ?? ofClass;
  return { ...ofClass, ...ofMethod };
}

function isOpen({ isPublic, isForAnyCaller }: AccessRule): boolean {
  return isPublic === true || isForAnyCaller === true;
}
