#!/bin/bash
# What a driver or executor container runs: Spark's scheduler passes `driver` or `executor` and its settings in SPARK_* variables.
# Spark is in the image (/opt/spark), or comes with a Python environment that the pod mounts (/opt/python), which then goes first.
set -euo pipefail

environment=${SPARKWRIGHT_ENVIRONMENT:-/opt/python}
if [ -d "$environment/pyspark" ]; then
  export SPARK_HOME=$environment/pyspark PYTHONPATH=$environment${PYTHONPATH:+:$PYTHONPATH}
elif [ -x /opt/spark/bin/spark-submit ]; then
  export SPARK_HOME=/opt/spark
elif [ "${1:-}" = driver ] || [ "${1:-}" = executor ]; then
  message="Cannot start Spark: there is none in the image and no Python environment with pyspark at $environment; mount one there (volumes of the target)"
  echo "$message" >&2
  echo "$message" 2>/dev/null >/dev/termination-log || true
  exit 78
fi
export PATH=${SPARK_HOME:+$SPARK_HOME/bin:}$PATH PYSPARK_PYTHON=${PYSPARK_PYTHON:-python3} PYTHONDONTWRITEBYTECODE=1
export SPARK_DIST_CLASSPATH=${SPARK_DIST_CLASSPATH:+$SPARK_DIST_CLASSPATH:}/opt/spark-extra-jars/*

# Runs a command below the process that keeps its log (log_archive.py), which outlives it: -E since its own modules are the system's.
archived() {
  local log=$1
  shift
  if [ -n "${SPARKWRIGHT_LOGS:-}" ]; then
    exec tini -s -- python3 -EsS /opt/sparkwright/log_archive.py "$SPARKWRIGHT_LOGS/$log" "$@"
  fi
  exec tini -s -- "$@"
}

role=${1:-}
case $role in
  driver)
    shift
    archived driver.log "$SPARK_HOME/bin/spark-submit" \
      --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" \
      --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS" \
      --deploy-mode client "$@"
    ;;
  executor)
    options=()
    # Numbered from 0 without gaps; a value may hold spaces.
    for ((at = 0; ; at++)); do
      name=SPARK_JAVA_OPT_$at
      [ -n "${!name+set}" ] || break
      options+=("${!name}")
    done
    classes=${SPARK_CONF_DIR:-$SPARK_HOME/conf}:${SPARK_EXECUTOR_EXTRA_CLASSPATH:+$SPARK_EXECUTOR_EXTRA_CLASSPATH:}
    classes=$classes$SPARK_HOME/jars/*:$SPARK_DIST_CLASSPATH
    archived "executor-$SPARK_EXECUTOR_ID.log" \
      java "${options[@]}" -Xms"$SPARK_EXECUTOR_MEMORY" -Xmx"$SPARK_EXECUTOR_MEMORY" -cp "$classes" \
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
      --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
      --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
      --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
    ;;
  *)
    exec tini -s -- "$@"
    ;;
esac
