// Doors open on three replicas behind nginx.
process.env['GATEHOUSE_TEST_REPLICAS'] = '3';
