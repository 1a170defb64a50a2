// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "dns_host.hpp"

#include <uk/event.hpp>
#include <uk/task.hpp>

#include <deque>
#include <string>

/// A port::stream whose other end is the test: it holds one connection's octets in both directions.
namespace dns_fixture {

struct fake_streams {
    using needs = uk::ports<uk::port::tasks>;
    using provides = uk::ports<uk::port::stream>;

    template <class Stack>
    struct in {
        explicit in(Stack& s) : os(s) {}
        uk::scheduler& scheduler() { return os.scheduler(); }

        struct piece {
            std::string octets;
            uk::bytes contents() const { return uk::as_bytes(octets); }
        };

        struct connection {
            explicit connection(in& home) : of(&home) { ++of->open; }
            connection(connection&& other) noexcept : of(std::exchange(other.of, nullptr)) {}
            connection& operator=(connection&&) = delete;
            ~connection() {
                if (of != nullptr) --of->open;
            }
            auto write(uk::bytes b) { return of->take(b); }
            auto read() { return of->next(); }
            in* of;
        };

        uk::result<> listen(std::uint16_t) { return uk::fail(uk::error::in_use); }

        uk::task<uk::result<connection>> connect(uk::ip4_address to, std::uint16_t port) {
            connected = to;
            connected_port = port;
            if (refuses) co_return uk::fail(uk::error::refused);
            co_return connection(*this);
        }
        uk::task<> take(uk::bytes b) {
            received += uk::as_text(b);
            co_return {};
        }
        uk::task<uk::result<piece>> next() {
            while (to_send.empty()) {
                if (closes) co_return uk::fail(uk::error::closed);
                co_await more;
            }
            piece p{to_send.front()};
            to_send.pop_front();
            co_return p;
        }

        Stack& os;
        uk::event more;
        std::deque<std::string> to_send;
        std::string received;
        uk::ip4_address connected;
        int connected_port = 0;
        int open = 0;
        bool refuses = false;
        bool closes = false;
    };
};

template <net::dns_limits Limits>
struct stream_host : host<Limits, fake_streams, uk::uses<uk::port::stream>> {
    auto& stream() { return (*this)[uk::port::stream]; }
    void stream_says(std::string_view octets) {
        stream().to_send.emplace_back(octets);
        stream().more.notify_all(this->scheduler());
        this->turn();
    }
};

}  // namespace dns_fixture
