import { WAYS } from './cells.js';
import { describeOfficialClients } from './official-clients.js';

describeOfficialClients(WAYS.filter(({ door }) => door === 'stdio'));
