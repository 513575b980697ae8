# syntax=docker/dockerfile:1

# Give a digest (--build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:...) for a build that can be repeated.
ARG NODE_IMAGE=node:24-bookworm-slim

# npm wants to see each workspace that the lock file names, also those that are not installed.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/sdk/package.json packages/sdk/
COPY packages/bounce/package.json packages/bounce/
COPY packages/server/package.json packages/server/
COPY packages/portal/package.json packages/portal/
COPY bench/package.json bench/
COPY examples/package.json examples/

# What the server needs, and nothing that only development needs. Optional is the Node.js that a checkout
# pins: this image is one. Nothing has to be compiled.
FROM manifests AS dependencies
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspace=posthorn \
  && npm cache clean --force

# The portal, as static files.
FROM manifests AS portal
RUN npm ci --ignore-scripts --workspace=@posthorn/portal \
  && npm cache clean --force
COPY tsconfig.json ./
COPY packages/portal ./packages/portal
RUN npm run build --workspace=@posthorn/portal

FROM ${NODE_IMAGE} AS runtime
WORKDIR /app
# npm links the workspaces into node_modules, so that Node.js finds them under packages/, where it runs
# TypeScript as it stands; it does not do that for files that really lie in node_modules.
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY packages/sdk ./packages/sdk
COPY packages/bounce ./packages/bounce
COPY packages/server ./packages/server
COPY docs ./docs
COPY packages/portal/package.json ./packages/portal/
COPY --from=portal /app/packages/portal/dist ./packages/portal/dist
# The only folder that is written to.
RUN install -d -o node -g node -m 0700 /var/lib/posthorn
ENV POSTHORN_DATA=/var/lib/posthorn \
  POSTHORN_HOST=0.0.0.0 \
  POSTHORN_LOG_FORMAT=json
VOLUME /var/lib/posthorn
EXPOSE 8480 2525
# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.POSTHORN_PORT ?? 8480}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node.js itself is process 1 and hears SIGTERM.
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "packages/server/bin/posthorn.mjs"]
CMD ["serve"]
