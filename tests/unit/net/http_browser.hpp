// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "fake_stream.hpp"

#include <uk/list.hpp>
#include <uk/net/dns_answer.hpp>
#include <uk/net/http_client.hpp>

#include <doctest/doctest.h>

#include <coroutine>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// An HTTP client whose servers, and whose resolver if it has one, are the test.
namespace browsing {

namespace net = uk::net;
namespace http = uk::net::http;
using http::client_error;
using namespace uk::literals;

inline constexpr http::origin there{"10.0.0.9"_ip4, 80, "example.org"};

struct outcome {
    std::optional<client_error> error;
    unsigned status = 0;
    std::string body;
    std::string type;
    bool done = false;
};

// Addresses of names, as the test says.
struct resolver {
    using needs = uk::ports<uk::port::tasks>;
    using provides = uk::ports<uk::port::resolver>;
    using list = net::dns_addresses<uk::ip4_address, 4>;

    template <class Stack>
    struct in {
        explicit in(Stack& s) : os(s) {}

        struct resolving {
            struct awaiter : uk::waiter {
                in& home;
                std::string name;

                awaiter(in& h, std::string_view n) : home(h), name(n) {}
                bool await_ready() const { return false; }
                bool await_suspend(std::coroutine_handle<> h) {
                    home.asked.push_back(name);
                    if (!home.hangs) return false;
                    this->coroutine = h;
                    home.waiting.push_back(*this);
                    return true;
                }
                uk::result<list, net::dns_error> await_resume() {
                    if (home.wrong) return uk::fail(*home.wrong);
                    list all;
                    for (const uk::ip4_address a : home.known[name]) all.push_back(a);
                    return all;
                }
            };
            in& home;
            std::string_view name;
            awaiter operator co_await() const { return {home, name}; }
        };
        resolving resolve(std::string_view name) { return {*this, name}; }
        void answer() {
            hangs = false;
            while (!waiting.empty()) os.scheduler().make_ready(waiting.pop_front());
        }

        Stack& os;
        std::map<std::string, std::vector<uk::ip4_address>> known;
        std::vector<std::string> asked;
        std::optional<net::dns_error> wrong;
        bool hangs = false;
        uk::list<uk::waiter> waiting;
    };
};

struct naming_system
    : uk::stack<fake::machine, fake::streams, uk::loop<{.frame_memory = 64 * 1024}>, uk::packets<{.buffers = 24}>,
                resolver, uk::uses<uk::port::stream, uk::port::packets, uk::port::resolver>> {};

template <class System, class Client>
uk::task<> ask(System& os, Client& c, http::origin to, http::client_request what, outcome& o) {
    (void)os;
    o = {};
    auto r = co_await c.send(to, what);
    if (!r) {
        o.error = r.error();
        co_return {};
    }
    o.status = r->status();
    o.type = std::string(r->field("content-type").value_or("none"));
    while (true) {
        const auto piece = co_await r->read_body();
        if (!piece) {
            o.error = piece.error();
            co_return {};
        }
        if (piece->empty()) break;
        o.body += uk::as_text(*piece);
    }
    o.done = true;
    co_return {};
}

template <http::client_limits Limits = {}, class System = fake::system>
struct browser {
    System os;
    http::client<System, Limits> client{os};
    outcome got;

    auto& names() { return os[uk::port::resolver]; }
    auto& net() { return os[uk::port::stream]; }
    fake::pipe& server(std::size_t i = 0) {
        REQUIRE(i < net().opened.size());
        return *net().opened[i];
    }
    void ask(http::client_request what = {}, http::origin to = there) {
        REQUIRE(browsing::ask(os, client, to, what, got).detach());
        run();
    }
    void run(uk::duration d = {}) { fake::run_for(os, d); }
    std::size_t buffers() { return os[uk::port::packets].count - os[uk::port::packets].store().available(); }

    /// Asks for "/" and answers in pieces of `step` octets, then ends the connection if `ends`.
    void exchange(std::string_view answer, std::size_t step, bool ends = false) {
        ask();
        fake::pipe& s = server(net().opened.size() - 1);
        for (std::size_t at = 0; at < answer.size(); at += step) {
            s.send(answer.substr(at, step));
            run();
        }
        if (ends) s.finish();
        run();
    }
};

inline constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Type: t/x\r\nContent-Length: 5\r\n\r\nhello";

inline std::string redirect(std::string_view status, std::string_view to) {
    return std::string("HTTP/1.1 ").append(status).append(" x\r\nContent-Length: 3\r\nLocation: ").append(to) +
           "\r\n\r\nbye";
}

}  // namespace browsing
