import {
  applyDecorators,
  UseFilters,
  UseGuards,
  UsePipes,
  ValidationPipe,
  type ValidationPipeOptions,
} from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { GatehouseController } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { RestThrottleGuard } from '../../limits/index.js';
import { NoteChange } from './note-change.guard.js';
import { ProblemFilter } from './problem.filter.js';

/** Refuses what does not fit a DTO, and names every fault at once. */
export const VALIDATION_OPTIONS: ValidationPipeOptions = {
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  exceptionFactory: (errors: ValidationError[]) => {
    const faults = errors.flatMap(faultsOf);
    return new ProtocolError('invalid_params', `The request does not fit: ${faults.join('; ')}`, { data: { faults } });
  },
};

/** A controller of the REST surface: guarded, limited, validated, and with problem+json for whatever goes wrong. */
export function RestController(path = ''): ClassDecorator {
  return applyDecorators(
    UseGuards(NoteChange),
    GatehouseController(path),
    // After the guard that finds out who calls.
    UseGuards(RestThrottleGuard),
    UseFilters(ProblemFilter),
    UsePipes(new ValidationPipe(VALIDATION_OPTIONS)),
  );
}

function faultsOf({ constraints, children }: ValidationError): string[] {
  return [...Object.values(constraints ?? {}), ...(children ?? []).flatMap(faultsOf)];
}
