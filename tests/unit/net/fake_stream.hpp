// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/check.hpp>
#include <uk/event.hpp>
#include <uk/loop.hpp>
#include <uk/packets.hpp>
#include <uk/part.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/stack.hpp>
#include <uk/task.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A machine of fakes for what runs over streams: virtual time, and connections in memory whose other end the test
/// holds.
namespace fake {

/// Virtual time: it passes only while the test lets it, up to `limit`.
struct machine {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::clock, uk::port::idle, uk::port::console>;

    uk::instant time{};
    uk::instant limit{};
    bool settled = false;

    uk::instant now() const { return time; }
    void idle(uk::instant until) {
        if (until > limit) {
            time = limit;
            settled = true;
        } else {
            time = until;
        }
    }
    void write(std::string_view) {}
};

/// One connection. `to_server` holds segments as they arrive; the server's octets are in `to_client` up to `room`.
struct pipe {
    uk::scheduler* home = nullptr;
    std::deque<std::string> to_server;
    bool client_finished = false;
    bool client_reset = false;

    std::string to_client;
    std::size_t room = ~std::size_t{0};  ///< octets that the client still takes
    std::size_t writes = 0;
    std::size_t constants = 0;  ///< octets sent from where they lay
    std::size_t held = 0;       ///< segments that the server holds
    bool server_finished = false;
    bool server_reset = false;
    bool server_gone = false;
    bool reading = false;

    uk::event readable;
    uk::event writable;

    bool has_input() const { return client_reset || !to_server.empty() || client_finished; }

    // The client's side.
    void send(std::string_view s) {
        to_server.emplace_back(s);
        readable.notify_all(*home);
    }
    void finish() {
        client_finished = true;
        readable.notify_all(*home);
    }
    void reset() {
        client_reset = true;
        readable.notify_all(*home);
        writable.notify_all(*home);
    }
    void take(std::size_t octets) {
        room = octets;
        writable.notify_all(*home);
    }
    bool over() const { return server_finished || server_reset; }
};

/// Octets that the server received and has not yet given back.
class received {
public:
    received(std::shared_ptr<pipe> of, std::string octets)
        : of_(std::move(of)), octets_(std::make_unique<std::string>(std::move(octets))) {
        ++of_->held;
    }
    received(received&&) = default;
    received& operator=(received&& other) {
        drop();
        of_ = std::move(other.of_);
        octets_ = std::move(other.octets_);
        return *this;
    }
    ~received() { drop(); }
    uk::bytes contents() const { return uk::as_bytes(*octets_); }

private:
    void drop() {
        if (of_) --of_->held;
        of_.reset();
        octets_.reset();
    }
    std::shared_ptr<pipe> of_;
    std::unique_ptr<std::string> octets_;
};

class reading {
public:
    explicit reading(std::shared_ptr<pipe> p) : pipe_(std::move(p)) {}

    class awaiter {
    public:
        explicit awaiter(std::shared_ptr<pipe> p) : pipe_(std::move(p)), inner_(pipe_->readable) {
            uk::check(!pipe_->reading, "two readers of one connection");
            pipe_->reading = true;
        }
        awaiter(const awaiter&) = delete;
        awaiter& operator=(const awaiter&) = delete;
        ~awaiter() { pipe_->reading = false; }
        bool await_ready() const { return pipe_->has_input(); }
        void await_suspend(std::coroutine_handle<> h) { inner_.await_suspend(h); }
        uk::result<received> await_resume() {
            if (pipe_->client_reset) return uk::fail(uk::error::reset);
            if (pipe_->to_server.empty()) return uk::fail(uk::error::closed);
            std::string s = std::move(pipe_->to_server.front());
            pipe_->to_server.pop_front();
            return received(pipe_, std::move(s));
        }

    private:
        std::shared_ptr<pipe> pipe_;
        uk::event::awaiter inner_;
    };
    awaiter operator co_await() && { return awaiter(std::move(pipe_)); }

private:
    std::shared_ptr<pipe> pipe_;
};

class writing {
public:
    writing(std::shared_ptr<pipe> p, uk::bytes b, bool constant)
        : pipe_(std::move(p)), octets_(b), constant_(constant) {}

    class awaiter {
    public:
        awaiter(std::shared_ptr<pipe> p, uk::bytes b, bool constant)
            : pipe_(std::move(p)), octets_(b), constant_(constant), inner_(pipe_->writable) {}
        bool await_ready() const { return pipe_->room >= octets_.size() || pipe_->client_reset; }
        void await_suspend(std::coroutine_handle<> h) { inner_.await_suspend(h); }
        uk::result<> await_resume() {
            if (pipe_->client_reset || pipe_->over()) return uk::fail(uk::error::reset);
            pipe_->to_client += uk::as_text(octets_);
            pipe_->room -= pipe_->room == ~std::size_t{0} ? 0 : octets_.size();
            ++pipe_->writes;
            if (constant_) pipe_->constants += octets_.size();
            return {};
        }

    private:
        std::shared_ptr<pipe> pipe_;
        uk::bytes octets_;
        bool constant_;
        uk::event::awaiter inner_;
    };
    awaiter operator co_await() && { return awaiter(std::move(pipe_), octets_, constant_); }

private:
    std::shared_ptr<pipe> pipe_;
    uk::bytes octets_;
    bool constant_;
};

/// The server's handle.
class connection {
public:
    explicit connection(std::shared_ptr<pipe> p) : pipe_(std::move(p)) {}
    connection(connection&&) = default;
    connection& operator=(connection&&) = default;
    ~connection() {
        if (!pipe_) return;
        pipe_->server_gone = true;
        if (!pipe_->to_server.empty()) pipe_->server_reset = true;
        pipe_->server_finished = true;
    }
    reading read() { return reading(pipe_); }
    writing write(uk::bytes b) { return writing(pipe_, b, false); }
    writing write_constant(uk::bytes b) { return writing(pipe_, b, true); }
    void shutdown() { pipe_->server_finished = true; }
    void abort() { pipe_->server_reset = true; }

private:
    std::shared_ptr<pipe> pipe_;
};

/// Provides port::stream; the test connects to it.
struct streams {
    using needs = uk::ports<uk::port::tasks>;
    using provides = uk::ports<uk::port::stream>;

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os) {}

        class accepting {
        public:
            explicit accepting(in& s) : of_(&s) {}
            class awaiter {
            public:
                explicit awaiter(in& s) : of_(&s), inner_(s.arrived_) {}
                bool await_ready() const { return !of_->backlog_.empty(); }
                void await_suspend(std::coroutine_handle<> h) { inner_.await_suspend(h); }
                uk::result<connection> await_resume() {
                    std::shared_ptr<pipe> p = std::move(of_->backlog_.front());
                    of_->backlog_.pop_front();
                    return connection(std::move(p));
                }

            private:
                in* of_;
                uk::event::awaiter inner_;
            };
            awaiter operator co_await() && { return awaiter(*of_); }

        private:
            in* of_;
        };

        struct listener {
            in* of;
            accepting accept() { return accepting(*of); }
        };

        uk::result<listener> listen(std::uint16_t port) {
            if (taken) return uk::fail(uk::error::in_use);
            listening_port = port;
            return listener{this};
        }

        /// A client.
        std::shared_ptr<pipe> connect() {
            auto p = std::make_shared<pipe>();
            p->home = &os_.scheduler();
            backlog_.push_back(p);
            arrived_.notify_all(os_.scheduler());
            return p;
        }
        std::size_t backlog() const { return backlog_.size(); }

        /// A connection that the stack opens. The test is its server: `to_server` holds what the test sends, and what
        /// the stack writes is in `to_client`.
        class connecting {
        public:
            explicit connecting(in& s) : of_(&s) {}
            class awaiter {
            public:
                explicit awaiter(in& s) : of_(&s), inner_(s.opened_) {}
                bool await_ready() const { return !of_->hangs; }
                void await_suspend(std::coroutine_handle<> h) { inner_.await_suspend(h); }
                uk::result<connection> await_resume() {
                    if (of_->refusal) return uk::fail(*of_->refusal);
                    auto p = std::make_shared<pipe>();
                    p->home = &of_->os_.scheduler();
                    for (const std::string& s : of_->greeting) p->to_server.push_back(s);
                    of_->opened.push_back(p);
                    return connection(std::move(p));
                }

            private:
                in* of_;
                uk::event::awaiter inner_;
            };
            awaiter operator co_await() && { return awaiter(*of_); }

        private:
            in* of_;
        };
        connecting connect(uk::ip4_address to, std::uint16_t port) {
            attempts.emplace_back(to, port);
            return connecting(*this);
        }

        std::vector<std::pair<uk::ip4_address, std::uint16_t>> attempts;
        std::vector<std::shared_ptr<pipe>> opened;
        std::vector<std::string> greeting;  ///< what each server sends at once
        std::optional<uk::error> refusal;
        bool hangs = false;  ///< attempts wait for ever

        bool taken = false;
        std::uint16_t listening_port = 0;

    private:
        Stack& os_;
        std::deque<std::shared_ptr<pipe>> backlog_;
        uk::event arrived_;
        uk::event opened_;
    };
};

struct system : uk::stack<machine, streams, uk::loop<{.frame_memory = 64 * 1024}>, uk::packets<{.buffers = 24}>,
                          uk::uses<uk::port::stream, uk::port::packets>> {};

/// Lets everything run that can without time passing, then lets `d` pass.
template <class Stack>
void run_for(Stack& os, uk::duration d = {}) {
    machine& m = os[uk::port::clock];
    m.limit = m.time + d;
    m.settled = false;
    os[uk::port::tasks].run_until([&] { return m.settled; });
}

}  // namespace fake
