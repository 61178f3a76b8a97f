import type * as Swagger from '@nestjs/swagger';

type Library = typeof Swagger;
type Decorating =
  'ApiBody' | 'ApiExcludeController' | 'ApiOperation' | 'ApiProperty' | 'ApiPropertyOptional' | 'ApiQuery' | 'ApiTags';

/** What controllers and bodies say about themselves, until somebody asks for the description. */
const said: ((library: Library) => void)[] = [];

/**
 * Loads the library that describes routes, and tells it what was said. It takes a fifth of a start and few ever ask for a
 * description: so the decorators here, which are the library's by name and use, only keep what they are told.
 */
export async function loadSwagger(): Promise<Library> {
  const library = await import('@nestjs/swagger');
  for (const tell of said.splice(0)) tell(library);
  return library;
}

function later<Name extends Decorating>(name: Name): Library[Name] {
  const decoratorOf = (...options: unknown[]) => {
    return (...place: unknown[]): void => {
      said.push((library) => {
        const make = library[name] as (...args: unknown[]) => (...at: unknown[]) => void;
        make(...options)(...place);
      });
    };
  };
  return decoratorOf;
}

export const ApiBody = later('ApiBody');
export const ApiExcludeController = later('ApiExcludeController');
export const ApiOperation = later('ApiOperation');
export const ApiProperty = later('ApiProperty');
export const ApiPropertyOptional = later('ApiPropertyOptional');
export const ApiQuery = later('ApiQuery');
export const ApiTags = later('ApiTags');
