import { type CustomDecorator, SetMetadata } from '@nestjs/common';

export const PUBLIC_ROUTE = 'gatehouse:public';
export const ROUTE_PERMISSION = 'gatehouse:permission';

/**
 * What a route of the REST surface asks for: `use` is to call what there is, `read` to see how the server does, `manage`
 * to change it.
 */
export type Permission = `${'use' | 'read' | 'manage'}:${string}`;

/** Opens a route to everyone. Nothing else does: a route that says neither is closed. */
export const Public = (): CustomDecorator => SetMetadata(PUBLIC_ROUTE, true);

/** Opens a route, or all of a controller, to those whose role has the permission. */
export const RequiresPermission = (permission: Permission): CustomDecorator =>
  SetMetadata(ROUTE_PERMISSION, permission);
