import { IsString } from 'class-validator';
import { Tool } from 'mcp-gatehouse';

export class Greeting {
  @IsString() name!: string;
}

export default class Greeter {
  @Tool({ description: 'Greet someone by name', readOnly: true })
  greet({ name }: Greeting): string {
    return `Hello, ${name}!`;
  }
}
