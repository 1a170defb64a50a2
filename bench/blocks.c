// SPDX-License-Identifier: BSL-1.0
/* A plugin for QEMU 7.2 or later (plugin API 1) that counts executed guest instructions by block of code, into a file that
 * another process reads while the guest runs.
 *
 * FILE is a row of native u64 triples {address of the block, its instructions, how often it was executed}, ended by zeros. A
 * block that QEMU translates again gets a new triple, so the same address may stand there more than once. The instructions so
 * far are the sum of instructions x executions; a block left early by an exception counts whole.
 *
 * Needs no header of QEMU. Build: cc -O2 -shared -fPIC blocks.c -o blocks.so
 * Use, with one virtual CPU: qemu-system-x86_64 ... -plugin ./blocks.so,out=FILE */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCKS = 1 << 17 };

struct block {
    uint64_t address, instructions, executions;
};

/* What of the plugin interface is used, declared as its documentation describes it. */
struct qemu_info_t;
struct qemu_plugin_tb;
typedef uint64_t plugin_id;
enum plugin_operation { ADD_U64 = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum plugin_operation, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static struct block *blocks;
static size_t used;

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
    (void)id;
    /* The last block stays zero: it ends the row. When the table is full, the count would be wrong: the reader sees it. */
    if (used == BLOCKS - 1) return;
    struct block *b = &blocks[used++];
    b->address = qemu_plugin_tb_vaddr(tb);
    b->instructions = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &b->executions, 1);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc,
                                                               char **argv) {
    (void)info;
    const char *out = NULL;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) out = argv[i] + 4;
    }
    if (out == NULL) return 1;
    const size_t size = BLOCKS * sizeof *blocks;
    const int file = open(out, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ftruncate(file, (off_t)size) != 0) return 1;
    blocks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (blocks == MAP_FAILED) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
