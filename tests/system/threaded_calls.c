/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program whose threads make system calls for what main has opened, and main for what they have: it
 * says the same alone.
 *
 *	threaded_calls DIR        all of them, with files in DIR
 *	threaded_calls refuse     what is refused on nodes, whatever becomes of it
 */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/system/threaded.h"

extern char **environ;
static __thread char own[64]; /* memory that is not shared */
static int file, pair[2], ends[2], made, handled;
static pid_t child;

/* --- a file of main's --- */

static void *use_file(void *arg)
{
	const struct stat *main_sees = arg;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	struct iovec parts[3] = { { (void *)"const", 5 }, { own, 5 }, { NULL, 0 } };
	char on_stack[8];
	struct stat st;

	CHECK(!fstat(file, &st) && st.st_ino == main_sees->st_ino && st.st_dev == main_sees->st_dev);
	CHECK(fcntl(file, F_GETFL) & O_APPEND);
	CHECK(!fcntl(file, F_SETFL, 0));
	CHECK(!fcntl(file, F_SETLK, &lock));
	CHECK(!flock(file, LOCK_EX | LOCK_NB));
	memcpy(own, "local", 5);
	CHECK(writev(file, parts, 3) == 10);
	CHECK(pwritev(file, parts, 2, 20) == 10);
	CHECK(lseek(file, 0, SEEK_CUR) == 10 && lseek(file, 0, SEEK_SET) == 0);
	memset(own, 0, sizeof own);
	parts[0] = (struct iovec){ on_stack, 5 };
	CHECK(readv(file, parts, 1) == 5 && !memcmp(on_stack, "const", 5));
	CHECK(readv(file, parts + 1, 1) == 5 && !memcmp(own, "local", 5));
	CHECK(preadv(file, parts, 1, 20) == 5 && !memcmp(on_stack, "const", 5));
	CHECK(!ftruncate(file, 25) && !fstat(file, &st) && st.st_size == 25);
	CHECK(!fsync(file) && !fdatasync(file) && !posix_fallocate(file, 0, 30));
	made = dup(file);
	CHECK(made > file && dup2(file, made + 1) == made + 1 && !close(made + 1));
	return NULL;
}

static void try_file(void)
{
	struct stat st;

	file = open("file", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	CHECK(file >= 0 && !fstat(file, &st));
	by_thread(use_file, &st);
	CHECK(!(fcntl(file, F_GETFL) & O_APPEND));
	CHECK(!fstat(made, &st) && st.st_size == 30 && !close(made));
}

/* --- what threads open --- */

static void *open_there(void *name)
{
	made = open(name, O_RDWR | O_CREAT, 0640);
	CHECK(made >= 0 && write(made, name, strlen(name)) == (ssize_t)strlen(name));
	CHECK(!mkdir("directory", 0700) && !rename(name, "directory/inside"));
	CHECK(access(name, F_OK) == -1 && errno == ENOENT);
	CHECK(!pipe(ends) && write(ends[1], "x", 1) == 1);
	return NULL;
}

static void *read_there(void *name)
{
	char text[32] = "";

	CHECK(pread(made, text, sizeof text, 0) == (ssize_t)strlen(name) && !strcmp(text, name));
	CHECK(read(ends[0], text, 2) == 1 && *text == 'x');
	return NULL;
}

static void *list_there(void *dir)
{
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(dir)))
		n += !strcmp(entry->d_name, "inside");
	CHECK(n == 1 && !chdir("directory") && !unlink("inside"));
	return NULL;
}

static void *pid_there(void *unused)
{
	return (void *)(long)getpid();
}

static void try_opened(void)
{
	char before[1024], after[1040];
	DIR *dir;

	by_thread(open_there, "named by main");
	read_there("named by main");
	CHECK(write(ends[1], "x", 1) == 1);
	by_thread(read_there, "named by main");
	CHECK(getcwd(before, sizeof before) && (dir = opendir("directory")));
	by_thread(list_there, dir);
	CHECK(!closedir(dir) && getcwd(after, sizeof after));
	CHECK(!strcmp(after + strlen(before), "/directory") && !chdir("..") && !rmdir("directory"));
	CHECK(by_thread(pid_there, NULL) == (void *)(long)getpid());
}

static void *environment_there(void *unused)
{
	CHECK(getenv("OF_MAIN") && !strcmp(getenv("OF_MAIN"), "said by main"));
	CHECK(!setenv("OF_MAIN", "said by a thread", 1) && !setenv("OTHER", "more", 1));
	CHECK(localeconv()->decimal_point && setlocale(LC_ALL, NULL));
	return strdup(setlocale(LC_ALL, NULL));
}

static void try_told(void)
{
	char *locale;

	CHECK(!setenv("OF_MAIN", "said by main", 1) && setlocale(LC_ALL, "C.UTF-8"));
	locale = by_thread(environment_there, NULL);
	CHECK(!strcmp(locale, setlocale(LC_ALL, NULL)) && !strcmp(locale, "C.UTF-8"));
	CHECK(!strcmp(getenv("OF_MAIN"), "said by a thread") && !strcmp(getenv("OTHER"), "more"));
	CHECK(!unsetenv("OTHER") && !getenv("OTHER"));
	free(locale);
}

/* --- waiting --- */

static void *wait_there(void *unused)
{
	struct pollfd p = { .fd = ends[0], .events = POLLIN };
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 7 };
	struct timeval tv = { .tv_sec = 600 };
	uint64_t count;
	int set = epoll_create1(0), n;
	fd_set fds;

	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN); /* main writes some time */
	FD_ZERO(&fds);
	FD_SET(ends[0], &fds);
	CHECK(select(ends[0] + 1, &fds, NULL, NULL, &tv) == 1 && FD_ISSET(ends[0], &fds));
	CHECK(set >= 0 && !epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &ev));
	ev.data.u32 = 0;
	CHECK(epoll_wait(set, &ev, 1, -1) == 1 && ev.data.u32 == 7 && !close(set));
	CHECK(!ioctl(ends[0], FIONREAD, &n) && n == 3);
	CHECK(read(made, &count, sizeof count) == sizeof count && count == 5);
	return NULL;
}

static void try_waiting(void)
{
	pthread_t thread;
	uint64_t count = 5;

	CHECK(!pipe(ends) && (made = eventfd(0, 0)) >= 0);
	CHECK(!pthread_create(&thread, NULL, wait_there, NULL));
	CHECK(write(ends[1], "abc", 3) == 3);
	CHECK(write(made, &count, sizeof count) == sizeof count);
	CHECK(!pthread_join(thread, NULL));
}

/* --- sockets --- */

static struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };

static void *connect_there(void *unused)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), yes = 1, value = 0;
	socklen_t bytes = sizeof value;
	char text[16], here[4] = "abc";
	struct iovec part = { here, 3 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	CHECK(fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof address));
	CHECK(!setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes));
	CHECK(!getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &value, &bytes) && value == 1);
	CHECK(send(fd, "to main", 7, 0) == 7 && sendmsg(fd, &message, 0) == 3);
	CHECK(recv(fd, own, 4, MSG_WAITALL) == 4 && !memcmp(own, "from", 4));
	CHECK(recv(fd, text, 5, MSG_WAITALL) == 5 && !memcmp(text, " main", 5));
	CHECK(lseek(file, 0, SEEK_SET) == 0 && sendfile(fd, file, NULL, 5) == 5);
	CHECK(!shutdown(fd, SHUT_WR) && !close(fd));
	return NULL;
}

static void *accept_there(void *listening)
{
	socklen_t bytes = sizeof address;
	struct sockaddr_un name;

	CHECK(!getsockname((int)(long)listening, (struct sockaddr *)&name, &bytes));
	CHECK(!strcmp(name.sun_path, "socket"));
	return (void *)(long)accept((int)(long)listening, NULL, NULL);
}

static void try_sockets(void)
{
	const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_t thread;
	char text[16];
	long fd;

	CHECK(!bind(listening, (struct sockaddr *)&address, sizeof address) && !listen(listening, 5));
	CHECK(!pthread_create(&thread, NULL, connect_there, NULL));
	fd = (long)by_thread(accept_there, (void *)(long)listening);
	CHECK(fd >= 0 && recv((int)fd, text, 10, MSG_WAITALL) == 10 && !memcmp(text, "to mainabc", 10));
	CHECK(send((int)fd, "from main", 9, 0) == 9);
	CHECK(recv((int)fd, text, 6, MSG_WAITALL) == 5 && !memcmp(text, "const", 5));
	CHECK(!pthread_join(thread, NULL) && !close((int)fd) && !close(listening));
	CHECK(!unlink("socket") && !socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
}

/* --- signals and other programs --- */

static void on_signal(int number)
{
	CHECK(write(pair[0], "s", 1) == 1);
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *signal_there(void *unused)
{
	sigset_t all, was;

	sigfillset(&all);
	CHECK(!pthread_sigmask(SIG_SETMASK, &all, &was)); /* calls go on */
	CHECK(write(pair[0], "w", 1) == 1 && getppid() > 0);
	CHECK(!pthread_sigmask(SIG_SETMASK, &was, NULL) && !sigismember(&was, SIGSYS));
	CHECK(!raise(SIGUSR1) && handled == 1); /* as main has said */
	CHECK(!kill(getpid(), SIGUSR1));
	return NULL;
}

static void *spawn_there(void *unused)
{
	char *const argv[] = { "sh", "-c", "exit 3", NULL };
	char text[32];
	FILE *said;

	CHECK(!posix_spawnp(&child, "sh", NULL, NULL, argv, environ));
	CHECK(WEXITSTATUS(system("exit 9")) == 9);
	CHECK((said = popen("echo by node 0", "r")) && fgets(text, sizeof text, said));
	CHECK(!strcmp(text, "by node 0\n") && !pclose(said));
	return NULL;
}

static void try_processes(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	char text[2];
	int status;

	sigfillset(&action.sa_mask);
	CHECK(!sigaction(SIGUSR1, &action, NULL));
	by_thread(signal_there, NULL);
	CHECK(read(pair[1], text, 2) == 1 && *text == 'w');
	for (int i = 0; i < 2; i++)
		CHECK(read(pair[1], text, 2) == 1 && *text == 's');
	by_thread(spawn_there, NULL);
	CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
}

/* --- what is refused --- */

static void *refuse_there(void *unused)
{
	char *const argv[] = { "true", NULL };
	int fd = open("/proc/self/exe", O_RDONLY);

	syscall(SYS_io_uring_setup, 1, own);
	poll((struct pollfd *)own, 1, 0);
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	execv("/nowhere", argv);
	return NULL;
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	if (!strcmp(argv[1], "refuse")) {
		struct sigevent event = { .sigev_notify = SIGEV_THREAD };
		timer_t timer;

		timer_create(CLOCK_MONOTONIC, &event, &timer); /* libc makes a thread */
		by_thread(refuse_there, NULL);
		return 0;
	}
	CHECK(!chdir(argv[1]));
	try_file();
	try_opened();
	try_told();
	try_waiting();
	try_sockets();
	try_processes();
	puts("called");
	return 0;
}
