import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ROOT } from './places.js';

/** Debian's Chromium, and pages of a site of its own to open in it. */
export class Chromium {
  private constructor(
    private readonly browser: Browser,
    private readonly site: Server,
  ) {}

  /** @throws Error names the package where it is missing and may not be installed by this process */
  static async start(): Promise<Chromium> {
    const script = `import { debianTool } from ${JSON.stringify(join(ROOT, 'scripts/tools.mjs'))}; debianTool('chromium');`;
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] });
    const site = createServer((_req, res) => res.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
    await once(site.listen(0, '127.0.0.1'), 'listening');
    // Its sandbox is of the kernel's namespaces, which containers and root do not have.
    const args = ['--no-sandbox', '--disable-dev-shm-usage'];
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
    return new Chromium(browser, site);
  }

  /** Of its pages. */
  get origin(): string {
    return `http://127.0.0.1:${(this.site.address() as AddressInfo).port}`;
  }

  /** An empty page. */
  async page(): Promise<Page> {
    const page = await this.browser.newPage();
    await page.goto(this.origin);
    return page;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    this.site.close();
    this.site.closeAllConnections();
  }
}
