# Gatehouse as an image: `docker build -t gatehouse .`, and docs/operators.md for how to run it.
#
# Debian (slim) and not Alpine: it has the C library under which the tests run, and the network programs that command
# tools may want have the same names, flags and output as on the machines of most teams.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The link lets plug-ins under /app/plugins that have a package.json of their own import "mcp-gatehouse".
RUN npm ci --omit=dev && ln -s .. node_modules/mcp-gatehouse

FROM node:24-slim
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.description="An MCP server on NestJS" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data /var/lib/gatehouse \
 && chown 1000:1000 /var/lib/gatehouse \
 && chmod 700 /var/lib/gatehouse
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY presets ./presets

# In a container loopback reaches nobody, so every address is bound. The start is then refused until the operator says
# who may come in: keys in the state folder, MCP_AUTH_TOKENS, MCP_JWT_*, or MCP_ALLOW_UNAUTHENTICATED=true, where something
# in front lets only the right ones in.
ENV NODE_ENV=production \
    MCP_SERVER_HOST=0.0.0.0 \
    MCP_STATE_DIR=/var/lib/gatehouse \
    MCP_FILES_ROOTS=/data
VOLUME ["/var/lib/gatehouse"]
EXPOSE 8080
USER 1000:1000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.MCP_SERVER_PORT || 8080) + '/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "dist/main.js"]
CMD ["serve", "--transport", "http"]
