import { Injectable } from '@nestjs/common';
import type { Principal } from '../principal.js';
import { LiveRoles } from './live-roles.js';
import { type Permission, PERMISSIONS } from './permission.js';

/** What callers may do to the server itself, apart from using what it serves. */
@Injectable()
export class Permissions {
  constructor(private readonly roles: LiveRoles) {}

  /** Whether any of the roles of a principal, or one that they inherit, has a permission. */
  can(principal: Principal, permission: Permission): boolean {
    for (const { permissions } of this.roles.book.setOf(principal).roles) {
      if (permissions.includes(permission)) return true;
    }
    return false;
  }

  /** Every permission of a principal, in the order of the list. */
  of(principal: Principal): readonly Permission[] {
    return PERMISSIONS.filter((permission) => this.can(principal, permission));
  }

  /** Whether a principal holds one of these roles, itself or by inheritance. */
  hasRole(principal: Principal, roles: readonly string[]): boolean {
    const set = this.roles.book.setOf(principal);
    return roles.some((name) => set.holds(name) || principal.roles.includes(name));
  }
}
