# syntax=docker/dockerfile:1
# A gateway with its own Postgres inside (data in /data), or with DATABASE_URL on yours.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY . .
# `npm ci` builds; what only building needs then goes.
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 SLUICE_DATA_DIR=/data
RUN mkdir /data && chown node:node /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
RUN ln -s /app/dist/cli/main.js /usr/local/bin/sluice
USER node
VOLUME /data
EXPOSE 4000
# Ready means that it can record and read.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM ends streams with their cursors and flushes what waits, within 10 s.
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "dist/cli/main.js", "serve"]
