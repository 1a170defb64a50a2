// SPDX-License-Identifier: BSL-1.0
/* What uk's server is compared with: the same answers by lwIP, through its raw interface, as Debian's package has it. A Linux
 * process on a TAP. "/" gives 13 octets, "/bulk" 1 MiB; each request is a GET without a body on a connection that stays open.
 *
 * The card is our own: that of the package (2.1.3) writes behind its buffers when a frame is longer than one of its pool. It
 * hands frames to lwIP on its own thread, which is faster for lwIP than a queue between two.
 *
 * Build: cc -O2 lwip_server.c -I/usr/include/lwip -llwip
 * Use: lwip_server uk0 10.0.2.15 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <netif/ethernet.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
static const char page[] = HEAD "13\r\n\r\nHello, World!";
static const char bulk_head[] = HEAD "1048576\r\n\r\n";
static char bulk[1 << 20];
static const char *own_address;
static int tap = -1;
static struct netif card;

struct connection {
    unsigned matched;  /* octets of "\r\n\r\n" seen last */
    unsigned seen;     /* octets of the request, up to where its path tells */
    int bulk;          /* the request is for it */
    unsigned owed;     /* small pages still to be queued */
    size_t left;       /* octets of the large one */
};

/* Queues what finds room; the rest when something was acknowledged. Small pages are copied, so that they share segments. */
static err_t fill(struct connection *c, struct tcp_pcb *pcb) {
    while (c->owed != 0 && tcp_write(pcb, page, sizeof page - 1, TCP_WRITE_FLAG_COPY) == ERR_OK) --c->owed;
    while (c->left != 0) {
        size_t n = tcp_sndbuf(pcb);
        if (n > c->left) n = c->left;
        if (n > 16384) n = 16384;
        if (n == 0 || tcp_write(pcb, bulk + sizeof bulk - c->left, (u16_t)n, 0) != ERR_OK) break;
        c->left -= n;
    }
    return tcp_output(pcb);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t length) {
    (void)length;
    return fill(arg, pcb);
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
    struct connection *c = arg;
    if (p == NULL || error != ERR_OK) {
        tcp_arg(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_sent(pcb, NULL);
        free(c);
        return tcp_close(pcb);
    }
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        for (unsigned i = 0; i < q->len; ++i) {
            const char octet = ((const char *)q->payload)[i];
            if (c->seen++ == 5) c->bulk = octet == 'b';
            c->matched = octet == "\r\n\r\n"[c->matched] ? c->matched + 1 : octet == '\r';
            if (c->matched != 4) continue;
            c->matched = c->seen = 0;
            if (c->bulk) {
                tcp_write(pcb, bulk_head, sizeof bulk_head - 1, 0);
                c->left = sizeof bulk;
            } else {
                ++c->owed;
            }
        }
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return fill(c, pcb);
}

static void on_error(void *arg, err_t error) {
    (void)error;
    free(arg);
}

static err_t on_accepted(void *arg, struct tcp_pcb *pcb, err_t error) {
    (void)arg;
    struct connection *c = error == ERR_OK ? calloc(1, sizeof *c) : NULL;
    if (c == NULL) return ERR_MEM;
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

static err_t send_frame(struct netif *of, struct pbuf *p) {
    (void)of;
    char frame[1514];
    if (p->tot_len > sizeof frame) return ERR_BUF;
    pbuf_copy_partial(p, frame, p->tot_len, 0);
    return write(tap, frame, p->tot_len) == p->tot_len ? ERR_OK : ERR_IF;
}

static err_t set_up_card(struct netif *of) {
    of->name[0] = 't';
    of->name[1] = 'p';
    of->hwaddr_len = 6;
    memcpy(of->hwaddr, "\2\0\0\0\0\1", 6);
    of->mtu = 1500;
    of->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    of->output = etharp_output;
    of->linkoutput = send_frame;
    return ERR_OK;
}

static void receive_frames(void) {
    char frame[1514];
    ssize_t n;
    while ((n = read(tap, frame, sizeof frame)) > 0) {
        LOCK_TCPIP_CORE();
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
        if (p != NULL) {
            pbuf_take(p, frame, (u16_t)n);
            if (ethernet_input(p, &card) != ERR_OK) pbuf_free(p);
        }
        UNLOCK_TCPIP_CORE();
    }
}

static int open_tap(const char *name) {
    struct ifreq wanted = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strncpy(wanted.ifr_name, name, IFNAMSIZ - 1);
    tap = open("/dev/net/tun", O_RDWR);
    return tap >= 0 && ioctl(tap, TUNSETIFF, &wanted) == 0;
}

static void start(void *arg) {
    (void)arg;
    ip4_addr_t own, mask, router;
    own.addr = inet_addr(own_address);
    mask.addr = inet_addr("255.255.255.0");
    router.addr = 0;
    netif_add(&card, &own, &mask, &router, NULL, set_up_card, ethernet_input);
    netif_set_default(&card);
    netif_set_up(&card);
    netif_set_link_up(&card);
    struct tcp_pcb *pcb = tcp_new();
    if (pcb == NULL || tcp_bind(pcb, IP4_ADDR_ANY, 80) != ERR_OK || (pcb = tcp_listen(pcb)) == NULL) exit(1);
    tcp_accept(pcb, on_accepted);
    printf("listening on %s\n", own_address);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 3 || !open_tap(argv[1])) {
        fprintf(stderr, "usage: %s TAP ADDRESS, with a TAP that exists and may be opened\n", argv[0]);
        return 2;
    }
    own_address = argv[2];
    memset(bulk, 'x', sizeof bulk);
    tcpip_init(start, NULL);
    receive_frames();
    return 1;
}
