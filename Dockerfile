# The images of both programs: static binaries on an empty base.
#
#   docker build --target sapa -t sapa .
#   docker build --target actions -t helpdesk-actions .

FROM rust:1.95-alpine AS build
# SQLite and ring are compiled from C.
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked --workspace --bins \
    && mkdir -p /out/data /out/models \
    && cp target/dist/sapa target/dist/helpdesk-actions /out/

# The bot is trained where it is built: the image holds a model.
FROM build AS train
RUN target/dist/sapa train --out /out/models

FROM scratch AS sapa
COPY --from=build /out/sapa /usr/local/bin/sapa
COPY --from=train --chown=10001:10001 /out/models /app/models
COPY --chown=10001:10001 deploy/credentials.yml deploy/endpoints.yml /app/
# Empty: Telegram is asked for messages. A variable that is not set at all would
# switch the channel off.
ENV TELEGRAM_WEBHOOK_URL=""
WORKDIR /app
USER 10001:10001
EXPOSE 5005
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["/usr/local/bin/sapa", "health", "http://127.0.0.1:5005/health"]
ENTRYPOINT ["/usr/local/bin/sapa"]
CMD ["run", "--enable-api"]

FROM scratch AS actions
COPY --from=build /out/helpdesk-actions /usr/local/bin/helpdesk-actions
COPY actions/data_pengguna.json /app/data_pengguna.json
# A new volume takes over the folder's owner.
COPY --from=build --chown=10001:10001 /out/data /data
WORKDIR /data
USER 10001:10001
EXPOSE 5055
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["/usr/local/bin/helpdesk-actions", "health", "127.0.0.1:5055"]
ENTRYPOINT ["/usr/local/bin/helpdesk-actions"]
CMD ["run", "--host", "0.0.0.0", "--db", "/data/helpdesk.db", "--people", "/app/data_pengguna.json"]
