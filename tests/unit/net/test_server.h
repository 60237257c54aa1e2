/// @file test_server.h
/// A server on a loopback port that answers with the texts that a test gives it, one per request,
/// and remembers what it was asked. One thread; a text ends its connection unless it says
/// "Connection: keep-alive".

#ifndef TESTS_NET_TEST_SERVER_H
#define TESTS_NET_TEST_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEST_SERVER_MAX = 32, TEST_SERVER_REQUEST_BYTES = 16384 };

struct test_answer {
    const char *bytes;
    size_t length; // 0 = strlen(bytes)
    bool resets;   // close with a reset instead of an answer
    bool hangs;    // never answer; the connection stays open until the test ends
};

struct test_server {
    int fd, port, connections;
    pthread_t thread;
    const struct test_answer *answers;
    size_t answer_count;
    char requests[TEST_SERVER_MAX][TEST_SERVER_REQUEST_BYTES];
    size_t request_count;
    int hanging[TEST_SERVER_MAX];
    size_t hanging_count;
};

// Reads one request with its body. @return false when the peer went away
static bool test_server_read(int fd, char *to)
{
    size_t length = 0, wanted = 0;
    while (length + 1 < TEST_SERVER_REQUEST_BYTES) {
        const ssize_t got = recv(fd, to + length, TEST_SERVER_REQUEST_BYTES - 1 - length, 0);
        if (got <= 0)
            return false;
        length += (size_t)got;
        to[length] = '\0';
        const char *end = strstr(to, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *size = strcasestr(to, "content-length:");
        wanted = (size_t)(end + 4 - to) + (size != NULL ? strtoul(size + 15, NULL, 10) : 0);
        if (length >= wanted)
            return true;
    }
    return false;
}

static void test_server_send(int fd, const struct test_answer *answer)
{
    const size_t length = answer->length > 0 ? answer->length : strlen(answer->bytes);
    for (size_t sent = 0; sent < length;) {
        const ssize_t got = send(fd, answer->bytes + sent, length - sent, MSG_NOSIGNAL);
        if (got <= 0)
            return;
        sent += (size_t)got;
    }
}

// @return false when the connection is over
static bool test_server_exchange(struct test_server *server, int fd)
{
    if (server->request_count >= server->answer_count ||
        !test_server_read(fd, server->requests[server->request_count]))
        return false;
    const struct test_answer *answer = &server->answers[server->request_count++];
    if (answer->resets) {
        const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return false;
    }
    if (answer->hangs) {
        server->hanging[server->hanging_count++] = dup(fd);
        return false;
    }
    test_server_send(fd, answer);
    return strstr(answer->bytes, "Connection: keep-alive") != NULL;
}

static void *test_server_run(void *user)
{
    struct test_server *server = user;
    while (server->request_count < server->answer_count) {
        const int fd = accept(server->fd, NULL, NULL);
        if (fd < 0)
            break;
        server->connections++;
        while (test_server_exchange(server, fd)) {
        }
        close(fd);
    }
    return NULL;
}

static void test_server_start(struct test_server *server, const struct test_answer *answers,
                              size_t count)
{
    memset(server, 0, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    server->answers = answers;
    server->answer_count = count;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->fd, 16) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &length) != 0)
        abort();
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, test_server_run, server);
}

static void test_server_stop(struct test_server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    for (size_t i = 0; i < server->hanging_count; i++)
        close(server->hanging[i]);
}

#endif
