// SPDX-License-Identifier: Apache-2.0
//
// Devices by their names, as grabfs-cli finds them.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/lib/internal.h"

// Names that are looked for, until there is one too many to choose.
struct choice {
  char* name; /* the last one */
  int count;
};

static int add(struct choice* choice, const char* name) {
  char* const copy = strdup(name);
  if (copy == NULL) return grabfsi_fail(ENOMEM, "no memory");
  free(choice->name);
  choice->name = copy;
  ++choice->count;
  return 0;
}

// A mount point is no link, and neither is a device.
static int has_file(const char* path, const char* name) {
  char byte;
  const int directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) return 0;
  const int file = grabfsi_open_file(directory, name, O_RDONLY);
  close(directory);
  if (file < 0) return 0;
  // The kernel may know of a file whose daemon is gone.
  const ssize_t got = read(file, &byte, 1);
  close(file);
  return got == 1;
}

// Root's mounts and one's own come before those of others, whose daemons may stand still. Root
// uses no other ones by itself: whoever mounts can show anything there.
static int is_trusted(const struct mntent* entry) {
  const char* const option = hasmntopt(entry, "user_id");
  if (option == NULL) return 0;
  const unsigned long uid = strtoul(option + strlen("user_id="), NULL, 10);
  return uid == 0 || uid == geteuid();
}

// Of several mounts on one directory only the last one can be reached: it comes again.
static int look_at_mounts(FILE* table, int trusted, struct choice* choice) {
  for (const struct mntent* entry; (entry = getmntent(table)) != NULL;) {
    if (strcmp(entry->mnt_type, "fuse.grabfs") != 0 || is_trusted(entry) != trusted) continue;
    if (choice->name != NULL && strcmp(choice->name, entry->mnt_dir) == 0) continue;
    if (!has_file(entry->mnt_dir, "status.json")) continue;
    const int result = add(choice, entry->mnt_dir);
    if (result != 0) return result;
  }
  return 0;
}

static int find_mount(struct choice* choice) {
  const char* const named = secure_getenv("GRABFS_MOUNT");
  if (named != NULL && *named != '\0') return add(choice, named);
  FILE* const table = setmntent("/proc/self/mounts", "re");
  if (table == NULL) return grabfsi_fail(errno, "/proc/self/mounts: %s", strerror(errno));
  int result = look_at_mounts(table, 1, choice);
  if (result == 0 && choice->count == 0 && geteuid() != 0) {
    rewind(table);
    result = look_at_mounts(table, 0, choice);
  }
  endmntent(table);
  if (result != 0) return result;
  if (choice->count == 0) return grabfsi_fail(ENODEV, "no grabfs is mounted that can be read");
  if (choice->count > 1) {
    return grabfsi_fail(ENOTUNIQ, "several grabfs are mounted: GRABFS_MOUNT=DIR chooses one");
  }
  return 0;
}

static char* join(const char* directory, const char* name) {
  char* path;
  if (asprintf(&path, "%s/%s", directory, name) >= 0) return path;
  grabfsi_fail(ENOMEM, "no memory");
  return NULL;
}

static int look_at_devices(const char* mount, struct choice* choice) {
  DIR* const root = opendir(mount);
  if (root == NULL) {
    return grabfsi_fail(errno == ENOENT ? ENODEV : errno, "%s: %s", mount, strerror(errno));
  }
  int result = 0;
  for (const struct dirent* entry; result == 0 && (entry = readdir(root)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    char* const path = join(mount, entry->d_name);
    if (path == NULL) {
      result = -ENOMEM;
    } else if (has_file(path, "direction")) {
      result = add(choice, path);
    }
    free(path);
  }
  closedir(root);
  return result;
}

static int find_only_device(const char* mount, char** path) {
  struct choice devices = {NULL, 0};
  int result = look_at_devices(mount, &devices);
  if (result == 0 && devices.count == 0) {
    result = grabfsi_fail(ENODEV, "%s: this mount has no device", mount);
  }
  if (result == 0 && devices.count > 1) {
    result = grabfsi_fail(ENOTUNIQ, "%s has several devices: name one", mount);
  }
  if (result == 0) {
    *path = devices.name;
  } else {
    free(devices.name);
  }
  return result;
}

int grabfsi_find_device(const char* name, char** path) {
  if (name != NULL && strchr(name, '/') != NULL) {
    *path = strdup(name);
    return *path != NULL ? 0 : grabfsi_fail(ENOMEM, "no memory");
  }
  struct choice mount = {NULL, 0};
  int result = find_mount(&mount);
  if (result == 0 && name == NULL) {
    result = find_only_device(mount.name, path);
  } else if (result == 0) {
    *path = join(mount.name, name);
    result = *path != NULL ? 0 : -ENOMEM;
  }
  free(mount.name);
  return result;
}
