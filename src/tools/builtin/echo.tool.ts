import { Injectable } from '@nestjs/common';
import { IsString } from 'class-validator';
import { Describe } from '../schema/describe.decorator.js';
import { Tool } from '../tool.decorator.js';

/** Arguments of `echo`. */
export class EchoInput {
  @IsString()
  @Describe('Text to send back, as it is')
  readonly message!: string;
}

/** The smallest tool there is: shows that a connection works. */
@Injectable()
export class EchoTool {
  @Tool({
    name: 'echo',
    title: 'Echo',
    description: 'Echo back the provided message',
    readOnly: true,
    idempotent: true,
    openWorld: false,
    textArgument: 'message',
  })
  echo({ message }: EchoInput): string {
    return `Echo: ${message}`;
  }
}
