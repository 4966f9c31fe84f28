# The bot as an image: `docker build -t signalbox .`, see docs/install.md. BuildKit, which Docker has had since 23.0.
ARG NODE=node:24.21.0-bookworm-slim

FROM ${NODE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY sandbox/package.json sandbox/
# No package needs a script of its own to be installed.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM ${NODE}
# Of the packages everything that is used is in dist/: nothing else is installed, and npm is not needed either.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/yarn* /usr/local/bin/corepack \
  && mkdir -p /data /config \
  && chown 1000:1000 /data
WORKDIR /app
COPY --from=build /src/dist dist
COPY --from=build /src/package.json /src/manifest.yml /src/signalbox.example.yaml /src/LICENSE ./
# With these, DATABASE_URL can ask for a certificate of RDS: ?sslmode=verify-full&sslrootcert=/app/rds-global-bundle.pem
ADD --chmod=444 https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem rds-global-bundle.pem
ENV NODE_ENV=production PORT=3000 SIGNALBOX_CONFIG=/config/signalbox.yaml SIGNALBOX_DATA_DIR=/data
# The only folder that is written to. Declared after it was given away, so that what is mounted there belongs to 1000 too.
VOLUME /data
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and handles TERM and INT itself.
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["start"]
