// class-transformer ships no types at the path where its metadata can be read.
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, property: string): unknown;
    findTransformMetadatas(target: unknown, property: string, direction: number): unknown[];
    findExposeMetadata(target: unknown, property: string): unknown;
    findExcludeMetadata(target: unknown, property: string): unknown;
  };
}
