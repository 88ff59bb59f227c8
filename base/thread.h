#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Start a thread that runs run(arg) and takes no signals: those are the
 * business of who started it. 0, or an errno number: there is none then. */
int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
