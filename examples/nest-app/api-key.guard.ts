import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';

/** Guards every controller. It looks for an HTTP request, so it could not work on a tool: it is not run there. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    return headers['x-api-key'] === 'example';
  }
}
